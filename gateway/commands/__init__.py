"""The technician's commands: discover, probe, survey, register."""
