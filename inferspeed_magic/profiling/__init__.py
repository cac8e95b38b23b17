"""How ``profile`` does its work: convert, open, measure. Each file is one part of that story."""
