"""The merchant's back end: pure logic over a sandbox's records. No HTTP, no contract, no clock of its own."""
