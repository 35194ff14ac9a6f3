"""The bot: takes submissions from GitHub and the Hub, has them checked, publishes the reports."""
