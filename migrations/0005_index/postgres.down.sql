DROP TABLE index_generations;
DROP TABLE vectors;
