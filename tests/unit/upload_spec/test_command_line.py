import json
import subprocess
import sys

import pytest

from encord_provider.exceptions import UploadSpecError
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
    path.write_text("ObjectUrl\ns3://b/1\ns3://b/2\ns3://b/3\n")
    assert main(["check", str(path)]) == 1
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("items", "names"),
    [
        ('"images": [\n{"objectUrl": "https://"}]', ["line 2, images[0].objectUrl", "https://", "host"]),
        ('"images": [\n{"objectUrl": "https://h/"}]', ["line 2, images[0].objectUrl", "https://h/", "path"]),
        ('"images": [\n{"objectUrl": "s3://bucket"}]', ["line 2, images[0].objectUrl", "s3://bucket", "key"]),
        (
            '"images": [\n{"objectUrl": "https://s3.eu-west-1.amazonaws.com/bucket"}]',
            ["line 2, images[0].objectUrl", "amazonaws.com/bucket", "key"],
        ),
        ('"images": [\n{"objectUrl": "https://h:x/1"}]', ["line 2, images[0].objectUrl", "https://h:x/1"]),
        (
            '"image_groups": [{"title": "g",\n"objectUrl_0": "s3://b/1.jpg",\n"objectUrl_1": "s3://b"}]',
            ["line 3, image_groups[0].objectUrl_1", "s3://b", "key"],
        ),
        (
            '"videos": [{"objectUrl": "s3://b/1", "clientMetadata": {\n"keyframes": "no"}}]',
            ["line 2, videos[0].clientMetadata.keyframes", "'keyframes'", "list of frame numbers", "'no'"],
        ),
        (
            '"videos": [{"objectUrl": "s3://b/1", "clientMetadata": {\n"$x": 1}}]',
            ["line 2, videos[0].clientMetadata.$x", "'$x'", "reserves"],
        ),
        (
            '"images": [\n{"objectUrl": "s3://b/1.mp4"}]',
            ["line 2, images[0].objectUrl", "s3://b/1.mp4", "video", "'images'", "'videos'"],
        ),
        (
            '"dicom_series": [{"title": "s",\n"objectUrl_0": "s3://b/1.jpg"}]',
            ["line 2, dicom_series[0].objectUrl_0", "s3://b/1.jpg", "image", "'images'"],
        ),
        (
            '"images": [{"objectUrl": "s3://b/1.jpg"},\n{"objectUrl": "https://b.s3.eu-west-1.amazonaws.com/1.jpg"}]',
            ["line 2, images[1].objectUrl", "b.s3.eu-west-1", "images[0].objectUrl", "twice", "keep one"],
        ),
        (
            '"image_groups": [{"title": "g", "objectUrl_0": "s3://b/1.jpg",\n"objectUrl_1": "s3://b/1.jpg"}]',
            ["line 2, image_groups[0].objectUrl_1", "s3://b/1.jpg", "image_groups[0].objectUrl_0"],
        ),
        (
            '"image_groups": [{"title": "g", "objectUrl_0": "s3://b/1.jpg", "objectUrl_1": "s3://b/2.jpg"},\n'
            '{"title": "h", "objectUrl_0": "s3://b/2.jpg", "objectUrl_1": "s3://b/1.jpg"}]',
            ["line 2, image_groups[1].objectUrl_0", "same files", "image_groups[0]"],
        ),
    ],
)
def test_what_encord_would_take_for_something_else_is_refused(tmp_path, capsys, items, names):
    path = tmp_path / "spec.json"
    path.write_text(f"{{{items}}}")
    assert main(["check", str(path)]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1] == "1 error"
    at = 0
    for name in (str(path), *names):
        at = lines[0].index(name, at)


@pytest.mark.parametrize(
    ("rows", "names"),
    [
        ("s3://b/1.jpg,x\nhttps://b.s3.eu-west-1.amazonaws.com/1.jpg,y", ["line 3", "1.jpg", "line 2"]),
        ("s3://b/1.jpg,x\ns3://b/2.mp4,y", ["line 3", "s3://b/2.mp4", "video", "'images'", "by_extension"]),
        ("s3://b/1.jpg,x\ns3://b,y", ["line 3", "s3://b", "key"]),
    ],
)
def test_rows_of_csv_are_refused_by_line(tmp_path, capsys, rows, names):
    path = tmp_path / "spec.csv"
    path.write_text(f"ObjectURL,Image title\n{rows}\n")
    assert main(["check", str(path)]) == 1
    line, total = capsys.readouterr().err.splitlines()
    assert total == "1 error"
    assert all(name in line for name in (str(path), *names))


def test_the_right_line_of_a_group_is_named(tmp_path, capsys):
    path = tmp_path / "spec.csv"
    path.write_text("ObjectURL,Series title\ns3://b/1.dcm,ct\ns3://b/2.dcm,ct\ns3://b/1.dcm,ct\n")
    assert main(["check", str(path)]) == 1
    assert "line 4: 's3://b/1.dcm' is the same object as that of line 2" in capsys.readouterr().err


def test_one_object_may_stand_in_two_arrays_and_in_two_groups(tmp_path, capsys):
    path = tmp_path / "spec.json"
    group = {"objectUrl_0": "s3://b/1.jpg"}
    document = {
        "images": [{"objectUrl": "s3://b/1.jpg"}],
        "image_groups": [
            {"title": "g", **group, "objectUrl_1": "s3://b/2.jpg"},
            {"title": "h", **group, "objectUrl_1": "s3://b/3.jpg"},
        ],
        "videos": [{"objectUrl": "https://cdn/?id=1"}, {"objectUrl": "https://cdn/?id=2"}],
        "text": [{"objectUrl": "s3://b/a.log"}, {"objectUrl": "s3://b/README"}],
    }
    path.write_text(json.dumps(document))
    assert main(["check", str(path)]) == 0, capsys.readouterr().err


def test_a_query_does_not_hide_that_a_spec_is_csv():
    uri = "s3://specs/new.CSV?versionId=1.json"
    assert [unit.title for unit in reading.parse_spec(CSV, source=uri).units] == ["G"]
    with pytest.raises(UploadSpecError, match="JSON"):
        reading.parse_spec(CSV, source="s3://specs/new.json?name=a.csv")


def test_show_lists_the_first_data_units_with_their_metadata(tmp_path, capsys):
    images = [
        {"objectUrl": f"https://h/{number}.jpg", "clientMetadata": {"site": "oslo"}} for number in range(3)
    ]
    path = tmp_path / "spec.json"
    path.write_text(json.dumps({"images": images}))
    assert main(["show", str(path), "--most", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == ["image  (no title)", "  https://h/0.jpg", '  {"site":"oslo"}']
    assert "and 1 more data units" in lines
    assert "https://h/2.jpg" not in "\n".join(lines)


@pytest.mark.parametrize("most", ["-1", "few", "1.5"])
def test_show_refuses_what_is_no_number_of_data_units(tmp_path, capsys, most):
    path = tmp_path / "spec.json"
    path.write_text('{"images": [{"objectUrl": "https://h/1.jpg"}]}')
    with pytest.raises(SystemExit) as ended:
        main(["show", str(path), "--most", most])
    said = capsys.readouterr()
    assert (ended.value.code, said.out) == (2, "")
    assert "--most" in said.err
    assert repr(most) in said.err


def test_show_lists_no_data_unit_where_none_is_asked_for(tmp_path, capsys):
    path = tmp_path / "spec.json"
    path.write_text('{"images": [{"objectUrl": "https://h/1.jpg"}]}')
    assert main(["show", str(path), "--most", "0"]) == 0
    assert capsys.readouterr().out.startswith("and 1 more data units\n")


def test_show_names_what_is_wrong_like_check(tmp_path, capsys):
    path = tmp_path / "spec.json"
    path.write_text('{"images": [{"objectUrl": "https://"}]}')
    assert main(["show", str(path)]) == 1
    assert "https://" in capsys.readouterr().err
