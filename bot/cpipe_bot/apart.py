"""Calling what forks, from a thread."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import ParamSpec, TypeVar

from cpipe_check.sandbox.limits import die_with_parent

P = ParamSpec("P")
T = TypeVar("T")


def apart(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return what a function returns; called from a thread beside others, it has a fresh process of its own.

    What is forked while another thread holds a lock waits for that lock for ever, and the static check forks.
    """
    if threading.current_thread() is threading.main_thread():
        return function(*args, **kwargs)
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), initializer=die_with_parent) as pool:
        return pool.submit(function, *args, **kwargs).result()
