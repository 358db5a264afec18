# ruff: noqa: TID253  (a test may import what the package must not)
"""Ranges of keys that are read side by side give what botocore's paginator gives, page by page."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import boto3
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from encord_provider.exceptions import ListingError, StorageUnavailableError
from encord_provider.listing import list_s3, ranges
from encord_provider.listing.page import Page, parse_page
from encord_provider.listing.splitting import Characters, following, split_point
from tests.helpers.listing_server import ListingServer, serving


def _client(url):
    from botocore.config import Config

    return boto3.client(
        "s3",
        region_name="eu-west-2",
        endpoint_url=url,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 2}),
    )


def _paginated(client, prefix, page_size):
    pages = client.get_paginator("list_objects_v2").paginate(
        Bucket="lake", Prefix=prefix, PaginationConfig={"PageSize": page_size}
    )
    return [
        (one["Key"], one["Size"], one["LastModified"], one["StorageClass"], one["ETag"].strip('"'))
        for page in pages
        for one in page.get("Contents", ())
    ]


def _fields(objects):
    return [(one.key, one.size, one.last_modified, one.storage_class, one.etag) for one in objects]


_FLAT = [f"raw/camera-{number:06d}.jpg" for number in range(3000)]
_DATED = sorted(
    f"raw/site={site}/dt=2025-{month:02d}-{day:02d}/{number:04x}.jpg"
    for site in ("lima", "oslo", "rome")
    for month in range(1, 13)
    for day in (1, 9, 17)
    for number in range(20)
)
_UNEVEN = sorted(
    [f"raw/a/{number:05d}" for number in range(2500)]
    + ["raw/b", "raw/zz/1", "raw/zz/~", "raw/é/ü.png", "raw/\U0001f600"]
)
_ODD = sorted(
    {f"raw/{one}/{number:03d}" for number in range(150)
     for one in ("", "a b", "a+b", "a%20b", "a\nb", "\x01", "é", "\ufffd", "\U0001f600", "&<>'\"", ".", "..", "//")}
)  # fmt: skip


@pytest.mark.parametrize("keys", [_FLAT, _DATED, _UNEVEN, _ODD], ids=["flat", "dated", "uneven", "odd"])
def test_many_pages_give_what_botocore_gives_and_few_calls_more(keys):
    server = ListingServer(keys, delay=0.002)
    with serving(server) as url:
        client = _client(url)
        expected = _paginated(client, "raw/", 20)
        serial = len(server.calls)
        assert _fields(list_s3(client, "lake", "raw/", page_size=20)) == expected
        used = len(server.calls) - serial
    assert len(expected) == len(keys)
    assert server.most_at_once > 1
    assert used <= 1.1 * serial + ranges._WASTED + 1
    assert {call["prefix"] for call in server.calls} == {"raw/"}


_KEYS = st.sets(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=6),
    max_size=150,
)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(_KEYS)
def test_any_keys_come_as_botocore_gives_them(names):
    with serving(ListingServer(sorted(f"raw/{name}" for name in names))) as url:
        client = _client(url)
        assert _fields(list_s3(client, "lake", "raw/", page_size=7)) == _paginated(client, "raw/", 7)


def test_one_page_takes_one_call_and_a_few_take_one_each():
    for count, calls in ((0, 1), (10, 1), (11, 2), (40, 4)):
        server = ListingServer(_FLAT[:count])
        with serving(server) as url:
            assert len(list(list_s3(_client(url), "lake", "raw/", page_size=10))) == count
        assert len(server.calls) == calls


def test_a_store_that_does_not_know_start_after_is_listed_page_by_page():
    server = ListingServer(_FLAT, knows_start_after=False)
    with serving(server) as url:
        assert [one.key for one in list_s3(_client(url), "lake", "raw/", page_size=100)] == _FLAT
    assert len(server.calls) == 31


def test_a_store_that_says_slow_down_is_asked_less_at_a_time_and_gives_all():
    server = ListingServer(_FLAT, refuse=lambda number: (503, "SlowDown") if number % 9 == 0 else None)
    with serving(server) as url:
        assert [one.key for one in list_s3(_client(url), "lake", "raw/", page_size=20)] == _FLAT


def test_an_error_that_stays_is_explained_as_ever():
    server = ListingServer(_FLAT, refuse=lambda number: (403, "AccessDenied") if number > 20 else None)
    with serving(server) as url, pytest.raises(ListingError, match=r"'lake'.*'raw/'.*s3:ListBucket"):
        list(list_s3(_client(url), "lake", "raw/", page_size=20))


@pytest.mark.parametrize("change", [lambda body: body[:-40], lambda body: b"<Error/>"])
def test_answers_that_are_cut_may_be_tried_again(change):
    server = ListingServer(_FLAT, change=lambda number, body: change(body) if number > 20 else body)
    with serving(server) as url, pytest.raises(StorageUnavailableError, match="'lake'"):
        list(list_s3(_client(url), "lake", "raw/", page_size=20))


def test_one_answer_that_is_cut_costs_nothing_but_a_call():
    server = ListingServer(
        _FLAT, change=lambda number, body: body[: len(body) // 2] if number == 25 else body
    )
    with serving(server) as url:
        client = _client(url)
        found = list(list_s3(client, "lake", "raw/", page_size=20))
    assert [one.key for one in found] == _FLAT


def test_a_process_that_is_killed_leaves_its_work_to_this_one(monkeypatch):
    begun = []
    popen = subprocess.Popen

    def noted(*args, **kwargs):
        begun.append(popen(*args, **kwargs))
        return begun[-1]

    monkeypatch.setattr(ranges.subprocess, "Popen", noted)
    with serving(ListingServer(_FLAT)) as url:
        objects = list_s3(_client(url), "lake", "raw/", page_size=20)
        found = [next(objects).key for _ in range(200)]
        begun[0].kill()
        found += [one.key for one in objects]
    assert found == _FLAT
    assert begun[0].poll() is not None


def test_where_no_process_can_be_started_the_pages_come_one_by_one(monkeypatch, caplog):
    def full(*_, **__):
        raise OSError("Cannot allocate memory")

    monkeypatch.setattr(ranges.subprocess, "Popen", full)
    with serving(ListingServer(_FLAT)) as url:
        assert [one.key for one in list_s3(_client(url), "lake", "raw/", page_size=100)] == _FLAT
    assert "Cannot allocate memory" in caplog.text


def test_keys_that_stop_being_in_order_are_an_error_that_names_the_page():
    def change(number, body):
        return _turned(body) if number > 20 else body

    with (
        serving(ListingServer(_FLAT, change=change)) as url,
        pytest.raises(StorageUnavailableError, match="order"),
    ):
        list(list_s3(_client(url), "lake", "raw/", page_size=20))


def test_a_listing_that_is_left_leaves_no_process():
    with serving(ListingServer(_FLAT)) as url:
        objects = list_s3(_client(url), "lake", "raw/", page_size=20)
        for _ in range(200):
            next(objects)
        [child] = _children(os.getpid())
        objects.close()
        assert not Path(f"/proc/{child}").exists()


def test_the_process_ends_with_a_task_that_is_killed():
    program = (
        "import boto3, sys, time\n"
        "from encord_provider.listing import list_s3\n"
        "client = boto3.client('s3', region_name='eu-west-2', endpoint_url=sys.argv[1],\n"
        "    aws_access_key_id='test', aws_secret_access_key='test')\n"
        "objects = list_s3(client, 'lake', 'raw/', page_size=20)\n"
        "for _ in range(200): next(objects)\n"
        "print('listing', flush=True)\n"
        "time.sleep(600)\n"
    )
    with serving(ListingServer(_FLAT)) as url:
        task = subprocess.Popen([sys.executable, "-c", program, url], stdout=subprocess.PIPE, text=True)
        assert task.stdout.readline() == "listing\n"
        [child] = _children(task.pid)
        task.send_signal(signal.SIGKILL)
        task.wait()
        until = time.monotonic() + 20
        while Path(f"/proc/{child}/stat").exists() and _state(child) != "Z":
            assert time.monotonic() < until
            time.sleep(0.02)


def test_credentials_are_told_to_no_other_process(monkeypatch):
    told = []
    send = ranges._Process.send
    monkeypatch.setattr(ranges._Process, "send", lambda self, said: (told.append(said), send(self, said))[1])
    with serving(ListingServer(_FLAT)) as url:
        client = boto3.client(
            "s3",
            region_name="eu-west-2",
            endpoint_url=url,
            aws_access_key_id="AKIAKEY",
            aws_secret_access_key="s3cr3t",
        )
        list(list_s3(client, "lake", "raw/", page_size=100))
    assert told
    assert "s3cr3t" not in repr(told)


def test_directory_buckets_do_not_sort_and_are_sorted(monkeypatch):
    monkeypatch.setenv("AWS_S3_DISABLE_EXPRESS_SESSION_AUTH", "true")
    server = ListingServer(_FLAT[:50])
    body = server.answer({"prefix": "raw/", "max-keys": "50"})[1]
    server.change = lambda *_: _turned(body)
    with serving(server) as url:
        found = [one.key for one in list_s3(_client(url), "lake--euw2-az1--x-s3", "raw/", page_size=50)]
    assert found == _FLAT[:50]


def test_nothing_stays_registered_on_the_client():
    with serving(ListingServer(_FLAT[:5])) as url:
        client = _client(url)
        list(list_s3(client, "lake", "raw/"))
        answer = client.list_objects_v2(Bucket="lake", Prefix="raw/")
    assert len(answer["Contents"]) == 5


@pytest.mark.parametrize(
    "body",
    [
        b"<ListBucketResult><Contents><Key>a</Key></Contents></ListBucketResult>",
        b"<ListBucketResult><Contents><Size>1</Size></Contents></ListBucketResult>",
        b"<ListBucketResult><Contents><Key>a</Key><Size>x</Size></Contents></ListBucketResult>",
        b"<ListBucketResult><Contents><Key>a</Key><Size>1</Size><LastModified>monday</LastModified></Contents>"
        b"</ListBucketResult>",
        b"<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
        b'<!DOCTYPE a [<!ENTITY b "c">]><ListBucketResult/>',
        b"<Error><Code>SlowDown</Code></Error>",
        b"<ListBucketResult>",
        b"",
    ],
)
def test_what_is_no_usual_page_is_left_to_botocore(body):
    assert parse_page(body) is None


def test_a_page_without_what_some_stores_leave_out_is_read():
    body = b"<ListBucketResult><Contents><Key>a b</Key><Size>3</Size></Contents></ListBucketResult>"
    assert parse_page(body) == Page(["a b"], [3], [None], [None], [None], None)


def _turned(body):
    head, *entries = body.split(b"<Contents>")
    last, tail = entries[-1].split(b"</ListBucketResult>")
    entries[-1] = last
    return b"<Contents>".join([head, *reversed(entries)]) + b"</ListBucketResult>" + tail


def _children(pid):
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _state(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


_TEXT = st.text(st.sampled_from("abz09/-\ud7ff\ue000\U0010ffff"), max_size=8)


@given(_TEXT, _TEXT, st.none() | _TEXT, st.integers(0, 9), st.none() | st.integers(0, 9))
def test_a_range_is_divided_between_its_ends(prefix, rest, end, span, level):
    last = prefix + rest
    end = None if end is None else prefix + end
    if end is not None and end <= last:
        return
    characters = Characters()
    characters.saw("abcxyz0189")
    point = split_point(
        last, end, prefix=prefix, characters=characters, span=min(span, len(last)), level=level
    )
    assert point is None or (last < point and point.startswith(prefix) and (end is None or point < end))


@given(_TEXT, _TEXT)
def test_what_follows_a_text_is_the_least_text_behind_all_that_begin_with_it(prefix, rest):
    found = following(prefix + rest, prefix)
    if found is None:
        assert set(rest) <= {"\U0010ffff"}
    else:
        assert found.encode() > (prefix + rest + "\U0010ffff" * 3).encode()
        assert found[:-1] == (prefix + rest)[: len(found) - 1]
