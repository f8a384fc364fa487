"""YAML as version 1.2 means it, and nothing that could surprise."""

import pytest

from apps.policies.yaml12 import MAX_BYTES, MAX_DEPTH, Fraction, read


def value(text: str) -> object:
    document = read(f"key: {text}".encode())
    assert document.problems == []
    return document.data["key"]


def problems(text: str | bytes) -> list[str]:
    return [str(p) for p in read(text if isinstance(text, bytes) else text.encode()).problems]


@pytest.mark.parametrize(
    "word", ["on", "off", "yes", "no", "y", "N", "2024-07-18", "1:30", "1_000"]
)
def test_what_older_yaml_would_convert_stays_a_word(word: str) -> None:
    assert value(word) == word


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("true", True),
        ("FALSE", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("12", 12),
        ("-3", -3),
        ("007", 7),
        ("0o17", 15),
        ("0xff", 255),
        ("0.10", Fraction("0.10")),
        ("1e3", Fraction("1e3")),
        (".inf", Fraction(".inf")),
        ("'12'", "12"),
        ('"true"', "true"),
    ],
)
def test_plain_scalars_follow_the_core_schema(text: str, meant: object) -> None:
    assert value(text) == meant


def test_a_key_that_stands_twice_is_told_with_its_path_and_line() -> None:
    assert problems("a:\n  b: 1\n  c: 2\n  b: 3\n") == ["a.b: this key stands here twice (line 4)"]


def test_several_problems_are_told_at_once() -> None:
    assert len(problems("a: 1\na: 2\nb: !!python/name:os.system x\n")) == 2


@pytest.mark.parametrize("tag", ["!!python/object:os.system", "!mine", "!!binary", "!!str"])
def test_tags_are_refused(tag: str) -> None:
    assert "tags such as" in problems(f"a: {tag} x")[0]


def test_a_merge_key_is_a_key_like_any_other() -> None:
    assert read(b"a: &a {x: 1}\nb: {<<: *a}").data["b"] == {"<<": {"x": 1}}


def test_an_alias_stands_for_what_its_anchor_holds() -> None:
    assert read(b"a: &a [1, 2]\nb: *a").data == {"a": [1, 2], "b": [1, 2]}


def test_an_alias_to_itself_is_refused() -> None:
    assert "stands for nothing that is complete" in problems("a: &a [*a]")[0]


def test_a_bomb_of_aliases_is_refused_before_it_goes_off() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    assert "too large with its aliases written out" in problems("\n".join(lines))[0]


def test_a_long_text_behind_many_aliases_is_refused() -> None:
    text = f"a: &a {'x' * 100_000}\nb: [{', '.join(['*a'] * 1000)}]"
    assert "too large with its aliases written out" in problems(text)[0]


def test_deep_nesting_is_refused() -> None:
    assert f"nested deeper than {MAX_DEPTH}" in problems("[" * 100_000)[0]


def test_a_huge_file_is_refused_unread() -> None:
    assert "larger than" in problems(b"#" * (MAX_BYTES + 1))[0]


@pytest.mark.parametrize(
    "text",
    [b"a: [1", b"a: 'x", b"\ta: 1", b"a: \xff", b"a: 1\n---\nb: 2", b"? [1]\n: 2", b"a: \x01",
     b'a: "\\0"', b'a: "\\ud800"'],
)  # fmt: skip
def test_what_is_not_yaml_or_not_text_is_a_problem_and_not_a_crash(text: bytes) -> None:
    assert problems(text)


def test_an_empty_file_has_no_data() -> None:
    assert read(b"# nothing\n").data is None
