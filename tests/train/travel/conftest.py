"""Reruns are replayed in these tests, however short; files need not reach the disk (test_atomic.py sees to it)."""

import os

import pytest


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.fixture(autouse=True)
def replays_of_a_few_steps(monkeypatch):
    monkeypatch.setattr("minigrad.train.travel.rerun.FEW", 4)
    monkeypatch.setattr("minigrad.train.replayed.FEW", 0)
