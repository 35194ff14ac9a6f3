"""The dashboard: pages and badges that need no script, read-only but for whoever has the token."""

from cpipe_bot.web.errors import error_pages
from cpipe_bot.web.pages import pages
from cpipe_bot.web.queue import DeadLetter, Jobs

__all__ = ["DeadLetter", "Jobs", "error_pages", "pages"]
