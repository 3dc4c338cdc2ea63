"""What every floor may use: errors, clocks, durations, ids, redaction, secrets."""
