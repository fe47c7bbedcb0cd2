"""`same_hdf5.py A B`: whether two HDF5 files hold the same, as h5py sees it.

Every link (hard, soft, external) under every name, attributes in their order with types and values, references by
the path they lead to, types (named ones too), shapes, maximal shapes, chunk shapes, filters with their settings, fill
values, times where they are kept, and the stored bytes and filter masks of every chunk.
"""

import sys

import h5py
import numpy as np


def value(file, attribute, raw):
    """A value without addresses: references become names."""
    if isinstance(raw, h5py.Reference):
        return h5py.h5i.get_name(h5py.h5r.dereference(raw, file.id)) if raw else None
    if isinstance(raw, h5py.Empty):
        return ("empty", str(raw.dtype))
    if isinstance(raw, np.ndarray):
        if raw.dtype.hasobject:
            return [value(file, attribute, x) for x in raw.ravel()] + [raw.shape]
        return (raw.tobytes(), raw.shape, raw.dtype.str)
    if isinstance(raw, np.void) and raw.dtype.names:
        return [value(file, attribute, raw[name]) for name in raw.dtype.names]
    if isinstance(raw, np.generic):
        return raw.tobytes()
    return raw


def attributes(file, obj):
    out = []

    def add(name, info=None):
        attribute = h5py.h5a.open(obj.id, name)
        space = attribute.get_space()
        kind = attribute.get_type()
        shape = (space.get_simple_extent_type(), attribute.shape)
        out.append((name, kind.encode() if not kind.committed() else h5py.h5i.get_name(kind), shape,
                    value(file, attribute, obj.attrs[name.decode()])))

    for i in range(h5py.h5a.get_num_attrs(obj.id)):
        add(h5py.h5a.open(obj.id, index=i).name)
    flags = obj.id.get_create_plist().get_attr_creation_order() if not isinstance(obj, h5py.Datatype) else 0
    return flags, out


def dataset(file, obj):
    plist = obj.id.get_create_plist()
    filters = [plist.get_filter(i) for i in range(plist.get_nfilters())]
    kind = obj.id.get_type()
    name = h5py.h5i.get_name(kind) if kind.committed() else None
    space = obj.id.get_space()
    out = [kind.encode() if name is None else name, space.get_simple_extent_type(), obj.shape, obj.maxshape,
           obj.chunks, filters, plist.get_layout(), plist.fill_value_defined(), plist.get_fill_time(),
           plist.get_alloc_time()]
    if plist.fill_value_defined() == h5py.h5d.FILL_VALUE_USER_DEFINED:
        out.append(np.asarray(obj.fillvalue).tobytes())
    if obj.chunks:
        chunks = []
        for i in range(obj.id.get_num_chunks()):
            info = obj.id.get_chunk_info(i)
            inside = all(at < dim for at, dim in zip(info.chunk_offset, obj.shape))
            if inside:
                mask, stored = obj.id.read_direct_chunk(info.chunk_offset)
                chunks.append((info.chunk_offset, mask, stored))
        out.append(sorted(chunks))
    elif obj.shape is not None and not obj.dtype.hasobject:
        data = np.empty(obj.shape, obj.dtype)
        obj.id.read(h5py.h5s.ALL, h5py.h5s.ALL, data, kind)
        out.append(data.tobytes())
    return out


def content(path):
    found = {}
    with h5py.File(path, "r") as file:
        out = {"user block": file.userblock_size}
        if file.userblock_size:
            out["user bytes"] = open(path, "rb").read(file.userblock_size)

        def visit(group, path):
            address = h5py.h5o.get_info(group.id).addr
            if address in found:
                out[path] = ("the same as", found[address])
                return
            found[address] = path
            order = group.id.get_create_plist().get_link_creation_order()
            out[path] = ("group", order, attributes(file, group), times(group))
            for name in group:
                inner = path + "/" + name
                link = group.get(name, getlink=True)
                if isinstance(link, h5py.SoftLink):
                    out[inner] = ("soft", link.path)
                    continue
                if isinstance(link, h5py.ExternalLink):
                    out[inner] = ("external", link.filename, link.path)
                    continue
                obj = group[name]
                if isinstance(obj, h5py.Group):
                    visit(obj, inner)
                    continue
                address = h5py.h5o.get_info(obj.id).addr
                if address in found:
                    out[inner] = ("the same as", found[address])
                    continue
                found[address] = inner
                what = dataset(file, obj) if isinstance(obj, h5py.Dataset) else obj.id.encode()
                out[inner] = (type(obj).__name__, what, attributes(file, obj), times(obj))
        visit(file["/"], "")
    return out


def times(obj):
    info = h5py.h5o.get_info(obj.id)
    return (info.rc, info.mtime if hasattr(info, "mtime") else None)


def first_difference(a, b):
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)) and len(a) == len(b):
        for x, y in zip(a, b):
            if x != y:
                first_difference(x, y)
                return
    print("  ", repr(a)[:300], "\n  ", repr(b)[:300])


def main():
    one, two = (content(path) for path in sys.argv[1:3])
    different = [path for path in list(one) + [p for p in two if p not in one] if one.get(path) != two.get(path)]
    for path in different:
        print("differs:", repr(path))
        first_difference(one.get(path), two.get(path))
    print(f"{len(one)} entries, {len(different)} differ")
    sys.exit(bool(different))


main()
