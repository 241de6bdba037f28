"""Screens: declarations of lists and forms, one operation call each, flash, redirect. Nothing here writes."""
