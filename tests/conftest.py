"""What holds for every test."""

import signal

import pytest

# Started in the background by a shell, we would ignore Ctrl-C, and so would all programs we start.
signal.signal(signal.SIGINT, signal.default_int_handler)


class FailuresAtOnce:
    """A run that is cut off has said what failed."""

    def __init__(self, terminal: pytest.TerminalReporter) -> None:
        self.terminal = terminal

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.terminal.write_line(f"\nFAILED {report.nodeid}\n{report.longreprtext}")


def pytest_configure(config: pytest.Config) -> None:
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if terminal:
        config.pluginmanager.register(FailuresAtOnce(terminal))
