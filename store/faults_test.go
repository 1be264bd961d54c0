package store

func childSaves(string) {}
