#!/bin/bash
# wayland's own .gitlab-ci.yml runs to its end.
exec "$SRC/tests/real/run" wayland
