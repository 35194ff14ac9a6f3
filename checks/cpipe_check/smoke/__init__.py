"""The smoke-load: real `from_pretrained`, one call, save, reload, against a small reference, in its own process."""
