"""Reports as files: PDF, HTML, XLSX, CSV, JSON and FOCUS."""
