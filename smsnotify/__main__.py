"""`python -m smsnotify` is `sms-notify`."""

import sys

from smsnotify.cli.main import main

sys.exit(main())
