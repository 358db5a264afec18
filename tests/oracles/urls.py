"""Object URLs: those that botocore's own rules make, and those that the other stores document."""

from __future__ import annotations

import functools
import itertools
from random import Random
from typing import Any
from urllib.parse import quote

from encord_provider.exceptions import ObjectUrlError
from encord_provider.listing import ObjectIdentity, identity_of, object_urls, parse_object_url
from tests.oracles.drawing import object_key
from tests.oracles.running import Oracle, same

_ACCOUNT = "123456789012"
_MRAP = f"arn:aws:s3::{_ACCOUNT}:accesspoint/"
_REFUSED_UNQUOTED = set("?#%\\ ")


@functools.cache
def _rules() -> tuple[Any, dict[str, tuple[str, ...]]]:
    """Botocore's endpoint rules of S3, and the regions of each partition that customers can reach."""
    from botocore.endpoint_provider import EndpointProvider
    from botocore.session import get_session

    loader = get_session().get_component("data_loader")
    found = loader.load_data("partitions")
    regions = {
        one["id"]: tuple(region for region in one["regions"] if not region.endswith("-global"))
        for one in found["partitions"]
        if "-iso" not in one["id"]
    }
    return EndpointProvider(loader.load_service_model("s3", "endpoint-rule-set-1"), found), regions


@functools.lru_cache(maxsize=20_000)
def _root(bucket: str, region: str, **options: bool) -> str:
    return str(_rules()[0].resolve_endpoint(Bucket=bucket, Region=region, **options).url)


def _bucket(random: Random, *, dots: bool = True) -> str:
    middle = "".join(random.choices("abz019-" + ("." if dots else ""), k=random.randint(1, 12)))
    name = f"{random.choice('abs3')}{middle}{random.choice('xyz9')}"
    for odd in ("..", ".-", "-.", "xn--", "--"):
        name = name.replace(odd, "-" if dots else "x")
    return random.choice(("lake", "s3-eu", "a.s3.b" if dots else "s3x", "bucket", name))


def _spelled(random: Random, key: str) -> str:
    """A key as somebody wrote it in a URL: what must be quoted is, anything else may be."""
    must = set('?#%"<>\\^`{|}')
    lazy = random.random()
    return "".join(
        quote(one, safe="")
        if one in must or one.isspace() or not one.isprintable() or (one != "/" and random.random() < lazy)
        else one
        for one in key
    )


def _signed(random: Random, url: str) -> tuple[str, str | None]:
    """The URL with a query that may ask for a version."""
    choice = random.randrange(4)
    if choice == 0:
        return f"{url}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature={'a1' * 8}", None
    if choice == 1:
        version = f"v{random.randrange(99)}"
        return f"{url}?versionId={version}", version
    return url, None


def _drawn_region(random: Random) -> tuple[str, str]:
    partitions = _rules()[1]
    partition = random.choice(("aws", "aws", "aws", *partitions))
    return partition, random.choice(partitions[partition])


def written(random: Random) -> None:
    """What ``object_urls`` writes for AWS is, byte by byte, what botocore calls."""
    from botocore.utils import percent_encode

    _, region = _drawn_region(random)
    style = random.choice(("virtual-hosted", "path"))
    bucket, key = _bucket(random, dots=style == "path"), object_key(random)
    # A path that begins with a slash, which botocore keeps.
    expected = f"{_root(bucket, region, ForcePathStyle=style == 'path')}/{percent_encode(key, safe='/~')}"
    same(object_urls(bucket, style=style, region=region)(key), expected, bucket, region, key)


def read(random: Random) -> None:
    """Every URL that botocore's rules give is read as the object that it was made for."""
    partition, region = _drawn_region(random)
    key = object_key(random)
    dualstack, fips = random.random() < 0.5, partition in ("aws", "aws-us-gov") and random.random() < 0.5
    kind = random.choice(("bucket", "bucket", "path", "accelerate", "access point", "mrap", "express"))
    store, bucket = "s3", _bucket(random)
    if kind == "bucket":
        root = _root(bucket, region, UseFIPS=fips, UseDualStack=dualstack)
    elif kind == "path":
        root = _root(bucket, region, UseFIPS=fips, UseDualStack=dualstack, ForcePathStyle=True)
    elif kind == "accelerate":
        bucket, region = _bucket(random, dots=False), "eu-west-2"
        root = _root(bucket, region, UseDualStack=dualstack, Accelerate=True)
    elif kind == "access point":
        name = _bucket(random, dots=False)
        arn = f"arn:{partition}:s3:{region}:{_ACCOUNT}:accesspoint/{name}"
        root = _root(arn, region, UseFIPS=fips, UseDualStack=dualstack)
        store, bucket = f"s3-accesspoint:{region}", f"{name}-{_ACCOUNT}"
    elif kind == "mrap":
        bucket = f"{''.join(random.choices('abcdefgh0123', k=13))}.mrap"
        arn = f"{_MRAP}{bucket}"
        root, store = _root(arn, region if partition == "aws" else "eu-west-2"), "s3-mrap"
        same(identity_of(f"{arn}/{key}"), ObjectIdentity(store, bucket, key.rstrip()), key)
    else:
        region = random.choice(("eu-west-1", "us-west-2"))
        bucket = f"{_bucket(random, dots=False)}--{random.choice(('euw1-az1', 'usw2-az3'))}--x-s3"
        root = _root(bucket, region, UseFIPS=fips and region.startswith("us-"), UseDualStack=dualstack)
    url, version = _signed(random, f"{root}/{_spelled(random, key)}")
    same(parse_object_url(url), ObjectIdentity(store, bucket, key, version), url)
    same(identity_of(f"  {url}\n"), ObjectIdentity(store, bucket, key, version), url)


def elsewhere(random: Random) -> None:
    """The documented forms of the other stores, and every form that is written comes back as the same object."""
    bucket, key = _bucket(random, dots=False), object_key(random)
    account, region = random.choice(("acc", "lake9")), random.choice(("nyc3", "fra1"))
    spelled = _spelled(random, key)
    forms = {
        f"https://storage.googleapis.com/{bucket}/": "gs",
        f"https://{bucket}.storage.googleapis.com/": "gs",
        f"https://storage.cloud.google.com/{bucket}/": "gs",
        f"https://{account}.blob.core.windows.net/{bucket}/": f"azure:{account}",
        f"https://{account}.dfs.core.windows.net/{bucket}/": f"azure:{account}",
        f"https://{bucket}.obs.eu-de.otc.t-systems.com/": "obs.eu-de.otc",
        f"https://s3.eu-central-2.wasabisys.com/{bucket}/": "wasabi",
        f"https://{bucket}.{region}.digitaloceanspaces.com/": f"digitaloceanspaces:{region}",
        f"https://{'a1' * 16}.r2.cloudflarestorage.com/{bucket}/": f"r2:{'a1' * 16}",
        f"http://127.0.0.1:9000/{bucket}/": "127.0.0.1:9000",
    }
    root = random.choice(list(forms))
    same(parse_object_url(root + spelled), ObjectIdentity(forms[root], bucket, key), root, spelled)
    style, store, options = random.choice(
        (
            ("gcs", "gs", {}),
            ("gs", "gs", {}),
            ("s3", "s3", {}),
            ("azure", f"azure:{account}", {"endpoint": account}),
            ("otc", "obs.eu-de.otc", {}),
            ("azure root", f"azure:{account}", {"endpoint": f"https://{account}.blob.core.windows.net"}),
            ("mrap", "s3-mrap", {}),
            ("endpoint", "127.0.0.1:9000", {"endpoint": "http://127.0.0.1:9000"}),
        )
    )
    if style == "azure root":
        style, bucket = "azure", "$root"
    place, bucket = (f"{_MRAP}abc.mrap", "abc.mrap") if style == "mrap" else (bucket, bucket)
    try:
        url = object_urls(place, style=style, **options)(key)
    except ObjectUrlError:
        odd = any(one in _REFUSED_UNQUOTED or not one.isprintable() for one in key)
        same((style in ("gs", "s3", "mrap") and odd) or (bucket == "$root" and "/" in key), True, style, key)
        return
    same(any(one.isspace() for one in url), False, url)
    same(identity_of(url), ObjectIdentity(store, bucket, key), url)


def apart(random: Random) -> None:
    """URLs of different objects never have one identity."""
    _, region = _drawn_region(random)
    objects = [(_bucket(random), object_key(random)) for _ in range(3)]
    objects.append((objects[0][0], objects[1][1]))
    for one, other in itertools.combinations(dict.fromkeys(objects), 2):
        urls = [f"{_root(bucket, region)}/{_spelled(random, key)}" for bucket, key in (one, other)]
        same(identity_of(urls[0]) == identity_of(urls[1]), False, *urls)


ORACLES = (
    Oracle(name="URLs written: botocore", check=written, share=20),
    Oracle(name="URLs read: botocore", check=read, share=40),
    Oracle(name="URLs of other stores", check=elsewhere, share=20),
    Oracle(name="URLs told apart", check=apart, share=10),
)
