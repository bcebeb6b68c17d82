"""What people see in Blender: preferences, properties, operators and panels.

Properties stay texts, by ``from __future__ import annotations``, until Blender registers them. Evaluated at
once they would register faster, but outlive Blender, and 4.2 crashes when it is left.
"""

from __future__ import annotations
