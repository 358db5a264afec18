"""The workspace of runs: files, windows of time, inputs that a template rendered."""
