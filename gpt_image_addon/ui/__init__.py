"""What people see in Blender: preferences, properties, operators and panels.

Modules with properties do without ``from __future__ import annotations``: Blender would have to compile each
property from its text, which doubles the time that registering takes.
"""

from __future__ import annotations

PACKAGE = __package__.rpartition(".")[0]
"""The name under which Blender knows the add-on."""
