EXTRA_DIST += \
	examples/README.md \
	examples/child-pipelines \
	examples/demo \
	examples/inputs \
	examples/run-demo
