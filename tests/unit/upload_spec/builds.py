"""Building data units of objects of one bucket."""

from encord_provider.upload_spec import BuildOptions, build_units


def build(objects, *, read_sidecar=None, schema=None, **options):
    """The data units and the objects left out; the options are those of ``BuildOptions``."""
    units, skipped, _ = build_units(
        objects,
        url_for=lambda key: f"s3://b/{key}",
        options=BuildOptions(**options),
        read_sidecar=read_sidecar,
        schema=schema,
    )
    return list(units), list(skipped)
