"""How much of anything is read: what is larger is refused by name before it fills memory or takes for ever.

No option changes them. Where Encord has a limit, ours is that one; else it is far above what the thing is for.
"""

from __future__ import annotations

MIB = 1024 * 1024

MAX_METADATA_BYTES = 10 * MIB
"""Client metadata of one item, hence a sidecar. Source: Encord's page on private cloud integrations (10 MB)."""

MAX_DEPTH = 200
"""How deep a value may be nested: JSON writers and readers give up somewhere above 250 levels."""

MAX_LINE_CHARACTERS = 4 * MAX_METADATA_BYTES
"""One line of JSON Lines, one cell of CSV: the largest client metadata, with every character escaped or doubled."""

MAX_TABLE_BYTES = 1024 * MIB
"""A table, a NumPy file or a list of keys, which are read whole: 10 million rows of 100 bytes."""

MAX_TABLE_ROWS = 10_000_000
"""The records of a Parquet table, of which a small file may claim any number."""

MAX_EXPANDED_BYTES = 4 * MAX_TABLE_BYTES
"""The columns of a Parquet table once they are unpacked, as the file itself says."""

MAX_SPEC_BYTES = 1024 * MIB
"""An upload spec: 500,000 data units, which is Encord's limit for one file, of 2 kB each."""

MAX_SCHEMA_BYTES = MIB
"""A declared metadata schema: some 20,000 keys. YAML is read at about a tenth of this in a second."""

MAX_SCHEMA_NODES = 100_000
"""The keys, values and lists of a YAML text after its aliases are put in place, which may multiply them."""

MAX_MANIFEST_BYTES = 64 * MIB
"""The manifest of an S3 inventory: 200,000 files of a few hundred bytes each."""

MAX_INVENTORY_LINE = 64 * 1024
"""A line of an S3 inventory: a key has at most 1,024 bytes, each of which may be escaped as three characters."""

MAX_UNZIPPED_RATIO = 200
"""How much larger a gzipped inventory may become; real ones grow tenfold to thirtyfold, gzip allows a thousandfold."""

MAX_MESSAGE_CHARACTERS = 8_000
"""An error's message: twenty findings of some hundred characters each fit; all of them are in a file, where there is
one."""
