"""Client metadata of storage items: which items, which rows, patching."""
