"""What a run did, for people: a section for each task, one page for the run, and the same as JSON."""
