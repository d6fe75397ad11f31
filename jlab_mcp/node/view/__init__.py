"""The live page at `/jlab-mcp/view`: sessions and notebooks as they grow; and one-time tickets."""
