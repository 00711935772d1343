"""The waiting rooms around a bucket: who may send now, and who waits for quota and a free slot."""
