"""The Hugging Face Hub: deliveries of its webhooks, checks of what was pushed, answers in discussions."""
