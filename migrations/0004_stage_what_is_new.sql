-- A part whose rows are what the last snapshot shows is staged as that sentence and not as rows again.
alter table staged_part add column is_unchanged boolean not null default false;
