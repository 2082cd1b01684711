"""Files that data come in: CSV, IDX, and the download with its checksum."""
