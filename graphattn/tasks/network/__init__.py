"""Labels for the nodes of a network."""

from graphattn.tasks.network.columns import columns_table
from graphattn.tasks.network.network import ColumnRole, Network
from graphattn.tasks.network.read import read_network
from graphattn.tasks.network.rejects import Reject, write_rejects

__all__ = ["ColumnRole", "Network", "Reject", "columns_table", "read_network", "write_rejects"]
