#!/usr/bin/env bash
# A report of `vxc evaluate` in a browser: nothing on the console, no sideways scrolling at 360 pixels, screenshots (wide
# and narrow, light and dark) and a PDF. Arguments: the HTML file, a folder for what is made. Debian: chromium.
set -euo pipefail
if [ $# -ne 2 ]; then
  echo "usage: $0 REPORT.html FOLDER" >&2
  exit 2
fi
if ! chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome); then
  echo "SKIPPED: no Chromium here"
  exit 0
fi
page=$(realpath "$1")
mkdir -p "$2"
out=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
fail() {
  echo "$1: FAILED"
  failed=1
}

# browse ARGUMENTS…: one visit with a profile of its own; what the console says is added to $work/log.
browse() {
  timeout 120 "$chromium" --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
    --disable-background-networking --disable-component-update --disable-sync --hide-scrollbars \
    --user-data-dir="$(mktemp -d -p "$work")" --enable-logging=stderr --v=0 --virtual-time-budget=5000 "$@" \
    2>>"$work/log"
}

# frame WIDTH HEIGHT FILE: a page that shows the report in a frame of this size and writes the size of its content. A
# window cannot be as narrow as a phone. The report is in `srcdoc`, as frames of files may not be looked into.
frame() {
  {
    printf '<!DOCTYPE html><html><head><meta charset="utf-8"><meta name="color-scheme" content="light dark"></head>'
    printf '<body style="margin:0"><iframe width="%s" height="%s" style="border:0;display:block" srcdoc="' "$1" "$2"
    sed 's/&/\&amp;/g; s/"/\&quot;/g' "$page"
    cat <<'END'
"></iframe><script>
addEventListener("load", () => {
  const frame = document.querySelector("iframe");
  const root = frame.contentDocument.documentElement;
  document.body.dataset.size = `${root.scrollWidth}x${root.scrollHeight}`;
});
</script></body></html>
END
  } >"$3"
}

# The file as it is: what the console says of it alone.
browse --dump-dom "file://$page" >"$work/dom.html" || fail "load"
for width in 1200 360; do
  frame "$width" 800 "$work/frame.html"
  size=$(browse --window-size=1300,900 --dump-dom "file://$work/frame.html" |
    sed -n 's/.*<body[^>]* data-size="\([0-9]*x[0-9]*\)".*/\1/p')
  if [ -z "$size" ]; then
    fail "$width pixels: size"
    continue
  fi
  echo "$width pixels wide: content of $size"
  if [ "${size%x*}" -gt "$width" ]; then fail "$width pixels: scrolls sideways"; fi
  # Beyond this height screenshots are cut off.
  height=$((${size#*x} < 16000 ? ${size#*x} : 16000))
  frame "$width" "$height" "$work/frame.html"
  for scheme in light dark; do
    shot=$out/$width-$scheme.png
    rm -f "$shot"
    # Of Blink's settings 0 is dark, 1 is light.
    browse --blink-settings="preferredColorScheme=$([ $scheme = dark ] && echo 0 || echo 1)" \
      --window-size="$((width < 500 ? 500 : width)),$height" --screenshot="$shot" "file://$work/frame.html" || true
    if [ -s "$shot" ]; then echo "$shot"; else fail "$shot"; fi
  done
done
rm -f "$out/report.pdf"
browse --no-pdf-header-footer --print-to-pdf="$out/report.pdf" "file://$page" || true
if [ "$(head -c 5 "$out/report.pdf" 2>/dev/null)" = "%PDF-" ]; then
  echo "$out/report.pdf: $(stat -c %s "$out/report.pdf") bytes"
else
  fail "$out/report.pdf"
fi
# Errors, warnings, and whatever else a page may say; a report has nothing to say.
if grep CONSOLE "$work/log"; then fail "console"; fi
exit "$failed"
