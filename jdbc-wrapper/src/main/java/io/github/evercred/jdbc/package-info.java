/** A JDBC driver and data source that log in with a cached secret and survive its rotation. */
@NullMarked
package io.github.evercred.jdbc;

import org.jspecify.annotations.NullMarked;
