"""Networks that the user has: an ONNX file, and a TOML file that says what it expects."""

from __future__ import annotations

from calcarium.regions.network.run import Device, Network, load_network, network_hash

__all__ = ["Device", "Network", "load_network", "network_hash"]
