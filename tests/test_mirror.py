"""Every module has its tests, where one looks for them."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "bistoury"
TESTS = ROOT / "tests"

# Modules without a test module of their own, and where they are tested instead.
ELSEWHERE = {
    # Exceptions are tested where they are raised, their sentences with the exports.
    "errors.py": "test_exports.py",
    # Protocols: there is nothing in them that runs.
    "transport/base.py": "test_supervisor.py",
    # The demonstration is one play: its parts are seen together.
    "cli/demonstration/breaks.py": "cli/test_demo.py",
    "cli/demonstration/document.py": "cli/test_demo.py",
    "cli/demonstration/play.py": "cli/test_demo.py",
    "cli/demonstration/screen.py": "cli/test_demo.py",
    "cli/following.py": "cli/test_serve.py",
    "cli/picture.py": "cli/test_viewer.py",
    "cli/status.py": "cli/test_serve.py",
    "cli/examination/check.py": "cli/test_doctor.py",
    "cli/examination/course.py": "cli/test_doctor.py",
    # The commands of paper trading are typed one after the other.
    "cli/paper/asking_why.py": "cli/paper/test_paper.py",
    "cli/paper/looking.py": "cli/paper/test_paper.py",
    "cli/paper/place.py": "cli/paper/test_paper.py",
    "cli/paper/start.py": "cli/paper/test_paper.py",
    "cli/paper/trading.py": "cli/paper/test_paper.py",
    # The audit and the requests over the socket are seen working together.
    "collaborators.py": "test_supervisor.py",
    "endings.py": "test_supervisor.py",
    "receiver.py": "test_supervisor.py",
    "hyperliquid/auditor.py": "hyperliquid/test_audit.py",
    "hyperliquid/post_frames.py": "hyperliquid/test_posts.py",
    "hyperliquid/residing.py": "hyperliquid/test_client_threads.py",
    "observability/audited.py": "hyperliquid/test_audit.py",
    "observability/metric_names.py": "observability/test_metrics.py",
    "observability/snapshot.py": "serving/test_server.py",
    "observability/window.py": "observability/test_chronicle.py",
    # Alerts are seen on their way from a client to a sink.
    "alerting/alarm.py": "alerting/test_engine.py",
    "alerting/conditions.py": "alerting/test_alerts.py",
    "alerting/deadman.py": "alerting/test_alerts.py",
    "alerting/delivery.py": "alerting/test_alerts.py",
    "alerting/message.py": "alerting/test_sinks.py",
    "alerting/period.py": "alerting/test_engine.py",
    "alerting/rules.py": "alerting/test_engine.py",
    "alerting/steadiness.py": "alerting/test_flapping.py",
    # A server is seen whole.
    "serving/broadcast.py": "serving/test_server.py",
    "serving/routes.py": "serving/test_server.py",
    "serving/site.py": "serving/test_server.py",
    "hyperliquid/showing.py": "serving/test_server.py",
    "recorder/file.py": "recorder/test_journal.py",
    "recorder/records.py": "recorder/test_journal.py",
    "cli/sim.py": "cli/test_app.py",
    # Parts of the client, which is tested as users hold it.
    "hyperliquid/audience.py": "hyperliquid/test_client_handlers.py",
    "hyperliquid/claims.py": "hyperliquid/test_client_subscriptions.py",
    "hyperliquid/covers.py": "hyperliquid/test_coverage.py",
    "hyperliquid/errands.py": "hyperliquid/test_client_handlers.py",
    "hyperliquid/fleet.py": "recovery/test_lines.py",
    "hyperliquid/group.py": "recovery/test_lines.py",
    "hyperliquid/handles.py": "hyperliquid/test_client_subscriptions.py",
    "hyperliquid/hearing.py": "hyperliquid/test_client.py",
    "hyperliquid/listening.py": "hyperliquid/test_client_subscriptions.py",
    "hyperliquid/line.py": "recovery/test_lines.py",
    "hyperliquid/requests.py": "hyperliquid/test_info.py",
    "hyperliquid/rotation.py": "recovery/test_rotation.py",
    "observability/rotated.py": "recovery/test_rotation.py",
    "hyperliquid/subscribing.py": "hyperliquid/test_client_subscriptions.py",
    "hyperliquid/viewing.py": "hyperliquid/test_client_statistics.py",
    "hyperliquid/wiring.py": "hyperliquid/test_client.py",
    # Parts of the paper venue that are seen working together.
    "paper_trading/commands.py": "paper_trading/test_actions.py",
    "paper_trading/degraded.py": "paper_trading/test_report.py",
    "paper_trading/desk.py": "paper_trading/test_placing.py",
    "paper_trading/events.py": "paper_trading/test_accounts.py",
    "paper_trading/feeding.py": "paper_trading/test_engine.py",
    "paper_trading/health.py": "paper_trading/test_venue.py",
    "paper_trading/reading.py": "paper_trading/test_engine.py",
    "paper_trading/rejected.py": "paper_trading/test_engine.py",
    "paper_trading/resting.py": "paper_trading/test_placing.py",
    "paper_trading/rules.py": "paper_trading/test_actions.py",
    "paper_trading/restarting.py": "paper_trading/test_venue.py",
    "paper_trading/settings.py": "paper_trading/test_venue.py",
    "paper_trading/standing.py": "paper_trading/test_actions.py",
    "paper_trading/telling.py": "paper_trading/test_engine.py",
    "paper_trading/trading.py": "paper_trading/test_engine.py",
    "paper_trading/wire.py": "paper_trading/test_actions.py",
    "paper_trading/writer.py": "paper_trading/test_engine.py",
    # A paper server is seen from outside.
    "paper_trading/server/account_answers.py": "paper_trading/server/test_info.py",
    "paper_trading/server/account_feeds.py": "paper_trading/server/test_socket.py",
    "paper_trading/server/control.py": "paper_trading/server/test_server.py",
    "paper_trading/server/overview.py": "paper_trading/server/test_server.py",
    "paper_trading/server/routes.py": "paper_trading/server/test_server.py",
    "paper_trading/server/rows.py": "paper_trading/server/test_info.py",
    "paper_trading/server/telling_accounts.py": "paper_trading/server/test_socket.py",
    "paper_trading/server/trader.py": "paper_trading/server/test_server.py",
    "paper_trading/server/typed_actions.py": "paper_trading/server/test_signatures.py",
    # Tools of tests: every test that uses them tests them.
    "testing/local_info.py": "recovery/test_law.py",
    "testing/oracle.py": "recovery/test_law.py",
}

# ``__init__`` re-exports, and ``__main__`` calls ``cli``: see test_exports.
WITHOUT = {"__init__.py", "__main__.py"}

MODULES = [
    path.relative_to(PACKAGE)
    for path in sorted(PACKAGE.rglob("*.py"))
    if path.name not in WITHOUT
]


def own_tests(module: Path) -> list[Path]:
    """Return the test modules of a module: one, or one for each of its themes."""
    folder = TESTS / module.parent
    themes = folder.glob(f"test_{module.stem}_*.py")
    return [it for it in (folder / f"test_{module.name}", *themes) if it.exists()]


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_every_module_has_its_tests(module):
    elsewhere = ELSEWHERE.get(str(module))

    assert own_tests(module) or (elsewhere and (TESTS / elsewhere).is_file()), (
        f"write tests/{module.parent}/test_{module.name}"
    )


def test_the_list_of_exceptions_names_modules_that_exist():
    assert set(ELSEWHERE) <= {str(module) for module in MODULES}


@pytest.mark.parametrize("folder", ["session", "observability"])
def test_every_test_module_of_a_mirrored_folder_is_about_a_module(folder):
    stems = {module.stem for module in MODULES if module.parent == Path(folder)}

    for path in (TESTS / folder).glob("test_*.py"):
        about = path.stem.removeprefix("test_")
        assert any(about == stem or about.startswith(f"{stem}_") for stem in stems)
