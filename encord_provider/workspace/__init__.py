"""The workspace of runs: files, windows of time, inputs, options and what a template made of them."""
