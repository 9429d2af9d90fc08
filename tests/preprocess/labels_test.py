"""How CSV files are read and labels assigned, by the program: never another row's audio, never another label."""

import pytest
from conftest import read_manifest, read_shards

HEADER = "id,intent_class,template,audio_path,speaker_id\n"


def write(corpus, text, name="train.csv"):
    (corpus.folder / name).write_bytes(text.encode())


@pytest.fixture
def recordings(corpus):
    for name in "abcd":
        corpus.add_audio(f"wav/{name}.wav", seconds=0.1 + "abcd".index(name) / 10)
    return corpus


def test_a_stray_quote_never_gives_a_row_the_audio_of_another(recordings, out):
    write(recordings, HEADER + '0,0,"Yes" he said,wav/a.wav,0\n1,1,"No" she said,wav/b.wav,0\n2,0,c,wav/c.wav,0\n')
    log = recordings.run(out, status=2)
    assert "train.csv: line 2: text after the closing quote of field 3" in log and "--quoting none" in log
    recordings.run(out, "--quoting", "none")
    assert [(row[0], row[1], len(row[3])) for row in read_shards(out / "train")] == \
        [("0", 0, 1600), ("1", 1, 3200), ("2", 0, 4800)]


def test_common_voice_tsv(recordings, out):
    """Their TSV files have no quoting: a quote at the start of a sentence may be the only one."""
    write(recordings, 'client_id\tpath\tsentence\tintent\n'
                      'x\twav/a.wav\t"Yes, he said.\tpay\n'
                      'x\twav/b.wav\t"No," she said.\task\n'
                      'x\twav/c.wav\tand "left"\tpay\n', "train.tsv")
    columns = ["--column-audio", "path", "--column-intent", "intent"]
    assert "train.tsv: line 3: text after the closing quote" in recordings.run(out, *columns, status=2)
    recordings.run(out, *columns, "--quoting", "none")
    assert [(row[1], len(row[3])) for row in read_shards(out / "train")] == [(1, 1600), (0, 3200), (1, 4800)]


def test_fields_that_span_lines_cause_one_warning(recordings, out):
    write(recordings, HEADER + '0,0,"a,wav/a.wav,0\n1,0,b",wav/b.wav,0\n2,0,"c\nd",wav/c.wav,0\n3,0,x,wav/d.wav,0\n')
    log = recordings.run(out)
    assert log.count("spans several lines") == 1
    assert "train.csv: line 2: a quoted field spans several lines (such fields in the file: 2)" in log
    assert "spans several lines" not in recordings.run(out, "--quoting", "none", status=1)


@pytest.mark.parametrize("delimiter", ["\t", "\\t", "tab"])
def test_a_tab_can_be_given_in_three_ways(recordings, out, delimiter):
    write(recordings, "intent_class\taudio_path\npay\twav/a.wav\n")
    recordings.run(out, "--delimiter", delimiter)
    assert len(read_shards(out / "train")) == 1


@pytest.mark.parametrize("options", [["--delimiter", ",,"], ["--delimiter", '"'], ["--delimiter", ""],
                                     ["--quoting", "all"]])
def test_other_delimiters_and_quoting_are_rejected(recordings, out, options):
    write(recordings, "intent_class,audio_path\npay,wav/a.wav\n")
    assert options[0] in recordings.run(out, *options, status=2)


def test_tsv_is_found_and_both_is_an_error(recordings, out):
    text = "intent_class,audio_path\npay,wav/a.wav\n"
    write(recordings, text.replace(",", "\t"), "train.tsv")
    recordings.run(out)
    assert len(read_shards(out / "train")) == 1
    write(recordings, text)
    assert "both train.csv and train.tsv" in recordings.run(out, status=2)


def test_integers_as_pandas_writes_them(recordings, out):
    write(recordings, "intent_class,intent_name\n0,pay\n1,ask\n", "intent_info.csv")
    write(recordings, "intent_class,audio_path\n1.0,wav/a.wav\n0.0,wav/b.wav\n")
    recordings.run(out)
    assert [row[1] for row in read_shards(out / "train")] == [1, 0]


def test_an_unknown_intent_is_listed_with_the_known_ones(recordings, out):
    write(recordings, "intent_class,intent_name\n0,pay\n1,ask\n", "intent_info.csv")
    write(recordings, "intent_class,audio_path\n0,wav/a.wav\nlock,wav/b.wav\n")
    assert "train.csv:3: unknown intent 'lock'; intent_info.csv has 0 (pay), 1 (ask)" in \
        recordings.run(out, status=1)


def test_labels_that_count_from_one_are_not_trained_as_their_neighbors(recordings, out):
    write(recordings, "intent_class,intent_name\n0,pay\n1,ask\n2,lock\n", "intent_info.csv")
    write(recordings, "intent_class,audio_path\n1,wav/a.wav\n2,wav/b.wav\n3,wav/c.wav\n")
    for options in ([], ["--skip-bad"]):
        assert "numbered 1 to 3, but the classes of intent_info.csv are 0 to 2" in \
            recordings.run(out, *options, status=2)


@pytest.mark.parametrize("names, message", [
    ("0,pay\n1,ask\n2,pay\n", "intent_info.csv:4: the intent name 'pay' of class 2 is already on line 2, of class 0"),
    ("0,caf\u00e9\n1,cafe\u0301\n", "in another Unicode normalization form"),
    ('0,pay\n1,"a\nsk"\n', "intent_info.csv:3: the class or intent name 'a\\nsk' has a control character"),
])
def test_intent_names_that_are_equal_or_contain_line_breaks_are_rejected(recordings, out, names, message):
    write(recordings, "intent_class,intent_name\n" + names, "intent_info.csv")
    write(recordings, "intent_class,audio_path\n0,wav/a.wav\n")
    assert message in recordings.run(out, status=2)


def test_intents_with_spaces_around_them_are_bad_rows(recordings, out):
    write(recordings, "intent_class,audio_path\npay,wav/a.wav\npay ,wav/b.wav\n")
    assert "train.csv:3: the intent 'pay ' has leading or trailing spaces" in recordings.run(out, "--skip-bad")
    assert read_manifest(out / "train")["intents"] == ["pay"]
