# Plain comments into those that Doxygen reads: the one that opens a file is about the file, one on lines of its own is about what follows,
# one at the end of a line is about what stands before it. PETSc's form /*@ name - text is one, too.
1s,^/\*,/** \\file\n,
1!s,^( *)/\*@? ?,\1/** ,
s,^@\*/,*/,
s,([;{}[:alnum:]")\,]) +/\* (.*\*/)$,\1 /**< \2,
