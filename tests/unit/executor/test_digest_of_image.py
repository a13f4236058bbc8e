"""The image of a jail is made anew when anything changes that lies in it."""

from executor.images import image


def test_files_of_the_guest_that_are_no_python_count(tmp_path, monkeypatch):
    monkeypatch.setattr(image, "_GUEST", tmp_path)
    seen = set()
    for name, text in (("a.py", "1"), ("a.py", "2"), ("b/maps", "1"), ("b/maps", "2")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
        seen.add(image._digest.__wrapped__(()))

    assert len(seen) == 4
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "a.pyc").write_text("1")
    assert image._digest.__wrapped__(()) in seen
