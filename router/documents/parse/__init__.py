"""From a file to pages of elements: one splitter a format, behind one seam."""
