"""Contracts that a real service, or its simulation, and what stands for it in memory hold alike."""
