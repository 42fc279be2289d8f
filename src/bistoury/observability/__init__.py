"""What operators see: notices turned into log lines, figures and verdicts."""
