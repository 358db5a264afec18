import pytest

from encord_provider.exceptions import MetadataTableError
from encord_provider.listing import UrlTable
from encord_provider.tables import read_table
from encord_provider.upload_spec import BuildOptions, build_units


def test_urls_are_registered_exactly_as_the_table_gives_them():
    table = read_table(
        "object_url,site\nhttps://b.s3.eu-west-2.amazonaws.com/d/b%20c.jpg,oslo\ns3://b/d/a.mp4,\n",
        source="t.csv",
    )
    source = UrlTable(table)
    units = build_units(
        source.objects(), url_for=source.url_for, names=source, options=BuildOptions(metadata=table)
    ).units
    assert [(unit.title, unit.urls, unit.client_metadata) for unit in units] == [
        ("d/a.mp4", ("s3://b/d/a.mp4",), {}),
        ("d/b c.jpg", ("https://b.s3.eu-west-2.amazonaws.com/d/b%20c.jpg",), {"site": "oslo"}),
    ]


def test_objects_of_several_buckets_stay_apart():
    source = UrlTable(read_table("object_url\ns3://b/a.jpg\ns3://a/a.jpg\n", source="t.csv"))
    assert [one.key for one in source.objects()] == ["a/a.jpg", "b/a.jpg"]
    assert source.url_for("b/a.jpg") == "s3://b/a.jpg"


def test_a_row_without_an_object_url_is_named():
    with pytest.raises(MetadataTableError, match=r"t.csv, line 3: 'a.jpg' is not an object URL"):
        UrlTable(read_table("key\ns3://b/a.jpg\na.jpg\n", source="t.csv"))


def test_accounts_hosts_stores_and_versions_are_different_objects():
    urls = [
        "https://one.blob.core.windows.net/c/a.jpg",
        "https://two.blob.core.windows.net/c/a.jpg",
        "https://one.example.com/c/a.jpg",
        "https://two.example.com/c/a.jpg",
        "s3://c/a.jpg",
        "gs://c/a.jpg",
        "https://c.s3.eu-west-2.amazonaws.com/a.jpg?versionId=1",
        "https://c.s3.eu-west-2.amazonaws.com/a.jpg?versionId=2",
    ]
    source = UrlTable(read_table("object_url\n" + "\n".join(urls) + "\n", source="t.csv"))
    keys = [one.key for one in source.objects()]
    assert len(set(keys)) == len(urls)
    assert sorted(map(source.url_for, keys)) == sorted(urls)


def test_two_spellings_of_one_object_are_named_with_both_lines():
    text = "key\nhttps://b-1.s3.eu-west-2.amazonaws.com/d%3D1/a.jpg\nhttps://s3.eu-west-2.amazonaws.com/b-1/d=1/a.jpg\n"
    with pytest.raises(MetadataTableError, match=r"t.csv, line 3.*line 2"):
        UrlTable(read_table(text, source="t.csv"))
