"""Faults of machines, over every command that writes: kills, full disks, two at once, damage."""
