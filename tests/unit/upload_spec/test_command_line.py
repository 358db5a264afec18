import json
import subprocess
import sys

import pytest

from encord_provider.upload_spec import reading
from encord_provider.upload_spec.__main__ import main

CSV = "ObjectUrl,Image group title,Create video\nhttps://h/1.jpg,G,false\nhttps://h/2.jpg,G,false\n"


@pytest.fixture
def spec_csv(tmp_path):
    path = tmp_path / "spec.csv"
    path.write_text(CSV)
    return path


def test_check_prints_what_is_in_a_spec(spec_csv, capsys):
    assert main(["check", str(spec_csv)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "type                 units      urls",
        "image_group              1         2",
        "total                    1         2",
        "skip_duplicate_urls: false",
    ]


def test_convert_turns_csv_into_json(spec_csv, tmp_path, capsys):
    assert main(["convert", str(spec_csv), str(tmp_path / "out.json"), "--skip-duplicate-urls"]) == 0
    assert json.loads((tmp_path / "out.json").read_bytes()) == {
        "image_groups": [
            {
                "title": "G",
                "createVideo": False,
                "objectUrl_0": "https://h/1.jpg",
                "objectUrl_1": "https://h/2.jpg",
            }
        ],
        "skip_duplicate_urls": True,
    }
    assert main(["check", str(tmp_path / "out.json")]) == 0


def test_errors_are_listed_by_line_and_nothing_is_written(tmp_path, capsys):
    path = tmp_path / "spec.json"
    path.write_text('{"images": [\n{"objectUrl": "https://h/a b"},\n{"objectUrl": "https://h/a", "x": 1}]}')
    assert main(["convert", str(path), str(tmp_path / "out.json")]) == 1
    assert capsys.readouterr().err.splitlines() == [
        f"{path}: line 2, images[0].objectUrl: whitespace or a control character in the object URL 'https://h/a b'; "
        "write a blank as %20",
        f"{path}: line 3, images[1].x: a unit of type image has no key 'x'; known are title, clientMetadata, "
        "objectUrl, createVideo, imageMetadata",
        "2 errors",
    ]
    assert not (tmp_path / "out.json").exists()


def test_a_missing_file_is_named(tmp_path, capsys):
    assert main(["check", str(tmp_path / "none.json")]) == 1
    assert "none.json: No such file or directory" in capsys.readouterr().err


def test_a_place_that_cannot_be_written_is_named(spec_csv, tmp_path, capsys):
    assert main(["convert", str(spec_csv), str(tmp_path / "no" / "out.json")]) == 1
    assert "out.json: No such file or directory" in capsys.readouterr().err


def test_a_wrong_call_ends_with_status_2():
    with pytest.raises(SystemExit) as caught:
        main(["mend"])
    assert caught.value.code == 2


def test_it_runs_as_a_module(spec_csv):
    done = subprocess.run(
        [sys.executable, "-m", "encord_provider.upload_spec", "check", str(spec_csv)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "image_group" in done.stdout


def test_the_limits_of_one_file_are_those_of_encord():
    assert (reading.MAX_UNITS_PER_FILE, reading.MAX_URLS_PER_FILE) == (500_000, 1_000_000)


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        ("MAX_UNITS_PER_FILE", "3 data units in one file, the limit is 2; divide it"),
        ("MAX_URLS_PER_FILE", "3 object URLs in one file, the limit is 2; divide it"),
    ],
)
def test_the_limits_of_one_file_are_checked(tmp_path, capsys, monkeypatch, limit, message):
    monkeypatch.setattr(reading, limit, 2)
    path = tmp_path / "big.csv"
    path.write_text("ObjectUrl\n" + "s3://b/k\n" * 3)
    assert main(["check", str(path)]) == 1
    assert message in capsys.readouterr().err
