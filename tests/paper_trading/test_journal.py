"""The facts on the disk."""

import sqlite3
from decimal import Decimal

import pytest

from bistoury.errors import ConfigError
from bistoury.paper_trading import events as said
from bistoury.paper_trading.journal import JournalError, PaperJournal, read


def opened(seq, name="main"):
    return said.AccountOpened(at=seq, seq=seq, account=name, cash=Decimal("10.50"))


def test_what_is_written_is_read_in_order(tmp_path):
    path = tmp_path / "paper.db"
    journal = PaperJournal(path)
    journal.append([opened(1), opened(2)])
    journal.append([opened(3)])
    journal.close()
    assert read(path) == [opened(1), opened(2), opened(3)]
    again = PaperJournal(path)
    assert [it.seq for it in again.events()] == [1, 2, 3]
    again.close()


def test_a_batch_is_written_as_a_whole_or_not_at_all(tmp_path):
    journal = PaperJournal(tmp_path / "paper.db")
    journal.append([opened(1)])
    with pytest.raises(JournalError, match="UNIQUE"):
        journal.append([opened(2), opened(1)])
    assert [it.seq for it in journal.events()] == [1]
    journal.append([opened(2)])
    journal.close()


@pytest.mark.parametrize(
    "statement", ["UPDATE events SET at = 0", "DELETE FROM events"]
)
def test_nothing_is_changed_and_nothing_removed(tmp_path, statement):
    path = tmp_path / "paper.db"
    journal = PaperJournal(path)
    journal.append([opened(1)])
    journal.close()
    database = sqlite3.connect(path)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        database.execute(statement)
    database.close()


def test_a_missing_fact_is_noticed(tmp_path):
    journal = PaperJournal(tmp_path / "paper.db")
    journal.append([opened(1), opened(3)])
    with pytest.raises(JournalError, match="fact 2 is missing"):
        list(journal.events())
    journal.close()
    with pytest.raises(JournalError, match="fact 2 is missing"):
        read(tmp_path / "paper.db")


@pytest.mark.parametrize("name", ["a#b.db", "a?mode=rwc.db", "100%25.db", "a b.db"])
def test_whatever_the_file_is_called_it_is_read(tmp_path, name):
    journal = PaperJournal(tmp_path / name)
    journal.append([opened(1)])
    journal.close()
    assert read(tmp_path / name) == [opened(1)]


def test_a_newer_version_and_another_file_are_refused(tmp_path):
    path = tmp_path / "paper.db"
    PaperJournal(path).close()
    database = sqlite3.connect(path)
    database.execute("UPDATE about SET value = '2'")
    database.commit()
    database.close()
    with pytest.raises(JournalError, match="version 2"):
        PaperJournal(path)
    with pytest.raises(JournalError, match="version 2"):
        read(path)
    (tmp_path / "text").write_text("this is no database, and long enough to tell" * 30)
    with pytest.raises(JournalError, match="not a database"):
        PaperJournal(tmp_path / "text")


def test_a_file_that_is_not_there_is_not_made_by_reading(tmp_path):
    with pytest.raises(JournalError, match="no such file"):
        read(tmp_path / "paper.db")
    with pytest.raises(JournalError, match="directory"):
        PaperJournal(tmp_path)
    with pytest.raises(ConfigError, match="folder that exists"):
        PaperJournal(tmp_path / "nowhere" / "paper.db")


@pytest.mark.parametrize(
    ("pragma", "said_so"),
    [("max_page_count = 8", "full"), ("query_only = on", "readonly")],
)
def test_a_full_or_read_only_disk_loses_nothing_that_was_written(
    tmp_path, pragma, said_so
):
    journal = PaperJournal(tmp_path / "paper.db")
    journal.append([opened(1)])
    journal._db.execute(f"PRAGMA {pragma}")
    with pytest.raises(JournalError, match=said_so):
        journal.append([opened(it) for it in range(2, 2000)])
    journal.close()
    assert [it.seq for it in read(tmp_path / "paper.db")] == [1]


def test_where_no_lock_can_be_made_that_is_said(tmp_path):
    (tmp_path / "paper.db.lock").mkdir()
    with pytest.raises(JournalError, match="directory"):
        PaperJournal(tmp_path / "paper.db")
    with pytest.raises(JournalError, match=r"directory|unable"):
        PaperJournal(tmp_path)


def test_a_link_to_a_journal_in_use_is_no_way_around_its_lock(tmp_path):
    journal = PaperJournal(tmp_path / "paper.db")
    (tmp_path / "link.db").symlink_to(tmp_path / "paper.db")
    with pytest.raises(JournalError, match="locked"):
        PaperJournal(tmp_path / "link.db")
    journal.close()
