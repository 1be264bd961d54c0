resource "aws_rds_cluster" "vectors" {
  cluster_identifier = "vectors"
  engine             = "aurora-postgresql"
  storage_encrypted  = false
}

resource "aws_rds_cluster_instance" "vectors" {
  identifier          = "vectors-1"
  cluster_identifier  = aws_rds_cluster.vectors.cluster_identifier
  engine              = "aurora-postgresql"
  instance_class      = "db.r6g.large"
  publicly_accessible = true
}
