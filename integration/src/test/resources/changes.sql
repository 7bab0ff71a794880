--liquibase formatted sql

--changeset evercred:1
CREATE TABLE item (id int PRIMARY KEY);

--changeset evercred:2
ALTER TABLE item ADD COLUMN name text;
