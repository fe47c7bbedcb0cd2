"""Prints the scalars of a folder of event files, one tag a line: `tag: step=value ...`."""

import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

events = EventAccumulator(sys.argv[1])
events.Reload()
for tag in sorted(events.Tags()["scalars"]):
    points = " ".join(f"{e.step}={e.value}" for e in events.Scalars(tag))
    print(f"{tag}: {points}")
