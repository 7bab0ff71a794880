package io.github.evercred;

import java.time.Instant;
import java.util.Collection;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * The value of one version of a secret, with what is known of that version.
 *
 * <p>A user name and a password read from one instance always belong together, because a version is
 * immutable. {@link #toString} never shows the value. Equality is identity, so that no comparison
 * of values can be timed.
 *
 * <p>Instances are immutable and thread-safe; no method blocks. JSON is parsed once, and kept as
 * long as the version is.
 *
 * <p>If its cache is {@linkplain SecretCacheBuilder#sealed() sealed} the value is encrypted in
 * memory. Each call decrypts it anew and keeps nothing: {@link #open} into arrays that can be
 * wiped, the others into what they return. It can be read for as long as the cache is open;
 * afterwards its key is wiped, and every call that needs the value fails with {@link
 * SecretException.Reason#CLOSED}. After a checkpoint of the process it is the same with {@link
 * SecretException.Reason#UNAVAILABLE}, unless KMS has given its key back.
 */
public final class SecretValue {

  private final String secretId;
  private final String versionId;
  private final @Nullable String arn;
  private final Set<String> labels;
  private final @Nullable Instant createdAt;
  private final Content content;

  /** All versions, if this stands for the current one among them. */
  private final @Nullable SecretVersions versions;

  private SecretValue(
      String secretId, SecretValue like, Content content, @Nullable SecretVersions versions) {
    this(secretId, like.arn, like, content, versions);
  }

  private SecretValue(
      String secretId,
      @Nullable String arn,
      SecretValue like,
      Content content,
      @Nullable SecretVersions versions) {
    this.secretId = secretId;
    this.versionId = like.versionId;
    this.arn = arn;
    this.labels = like.labels;
    this.createdAt = like.createdAt;
    this.content = content;
    this.versions = versions;
  }

  private SecretValue(Builder builder, Content content) {
    this.secretId = builder.secretId;
    this.versionId = builder.versionId;
    this.arn = builder.arn;
    this.labels = builder.labels;
    this.createdAt = builder.createdAt;
    this.content = content;
    this.versions = null;
  }

  /** Returns the same version as somebody else asked for it; what is parsed of it is shared. */
  SecretValue under(String otherId) {
    return secretId.equals(otherId)
        ? this
        : new SecretValue(
            otherId, this, content, versions == null ? null : versions.under(otherId));
  }

  /** Returns the same version as the source of another region would have told it. */
  SecretValue under(String otherId, @Nullable String otherArn) {
    return new SecretValue(otherId, otherArn, this, content, versions);
  }

  /**
   * Returns this value with the older one's content if both are the same version, so that what was
   * parsed of a version is kept through its refreshes. Labels, ARN, date and id stay this one's.
   * Content is compared beside the version id, which a {@link SecretSource} of one's own may reuse.
   */
  SecretValue sharing(SecretValue older) {
    boolean same =
        content != older.content
            && versionId.equals(older.versionId)
            && content.holdsTheSameAs(older.content);
    return same || versions != null
        ? new SecretValue(
            secretId,
            this,
            same ? older.content : content,
            versions == null ? null : versions.sharing(older.versions))
        : this;
  }

  /** Returns what is known of the version, without what it holds. */
  SecretValue emptied() {
    return new SecretValue(secretId, this, Content.NOTHING, null);
  }

  /** Returns this value standing for all the versions that it is the current one of. */
  SecretValue among(@Nullable SecretVersions all) {
    return new SecretValue(secretId, this, content, all);
  }

  /** Whether both are one version, with one content: a version id may be reused. */
  boolean isSameVersionAs(SecretValue other) {
    return versionId.equals(other.versionId)
        && (content == other.content || content.holdsTheSameAs(other.content));
  }

  /** Returns the same version, this one alone, with another form of its content. */
  SecretValue sealed(UnaryOperator<Content> sealing) {
    return new SecretValue(secretId, this, sealing.apply(content), null);
  }

  /** Whether what it holds is encrypted in memory. */
  boolean isSealed() {
    return content.key() != null;
  }

  /** The key that it is sealed with; null if it is not sealed. */
  @Nullable SealingKey sealedWith() {
    return content.key();
  }

  @Nullable SecretVersions versions() {
    return versions;
  }

  /**
   * Starts a value, for a {@link SecretSource} of one's own.
   *
   * @param secretId name or ARN, as the caller wrote it
   * @param versionId the version that the value belongs to
   * @return a builder
   */
  public static Builder builder(String secretId, String versionId) {
    return new Builder(secretId, versionId);
  }

  /**
   * Returns the name or ARN that was asked for, as the caller wrote it.
   *
   * @return the secret id
   */
  public String secretId() {
    return secretId;
  }

  /**
   * Returns the id of the version that this value belongs to.
   *
   * @return the version id
   */
  public String versionId() {
    return versionId;
  }

  /**
   * Returns the secret's ARN, if the source told it.
   *
   * @return the full ARN
   */
  public Optional<String> arn() {
    return Optional.ofNullable(arn);
  }

  /**
   * Returns the staging labels that this version carried when it was fetched. They may have moved
   * since.
   *
   * @return an unmodifiable set
   */
  public Set<String> labels() {
    return labels;
  }

  /**
   * Returns when this version was created, if the source told it.
   *
   * @return the time
   */
  public Optional<Instant> createdAt() {
    return Optional.ofNullable(createdAt);
  }

  /**
   * Tells whether the secret was stored as bytes ({@code SecretBinary}) instead of text.
   *
   * @return true for bytes
   */
  public boolean isBinary() {
    return content.isBinary();
  }

  /**
   * Returns the value as text.
   *
   * @return the text
   * @throws SecretException with {@link SecretException.Reason#MALFORMED} if the secret is binary
   */
  public String asString() {
    String text = content.text();
    if (text == null) {
      throw isBytes();
    }
    return text;
  }

  /**
   * Returns the value as bytes; a text in UTF-8.
   *
   * @return a new array
   */
  public byte[] asBytes() {
    return content.bytes();
  }

  /**
   * Opens the value for a short use as arrays, which are wiped when it is closed: {@code try
   * (OpenSecret secret = value.open()) {...}}. No {@code String} is made of it on the way.
   *
   * @return the value, open; to be closed
   * @throws SecretException if it is sealed and its key is gone: with {@link
   *     SecretException.Reason#CLOSED} if its cache is closed, with {@link
   *     SecretException.Reason#UNAVAILABLE} if the process has been checkpointed
   */
  public OpenSecret open() {
    char[] chars = content.chars();
    return new OpenSecret(this, chars, chars == null ? content.bytes() : null);
  }

  /**
   * Returns a top-level field of a JSON object. A number or boolean is returned as it is written.
   *
   * @param name the field's name; case counts
   * @return the field's text
   * @throws SecretException with {@link SecretException.Reason#MISSING_FIELD} if there is no such
   *     field or it is null, with {@link SecretException.Reason#MALFORMED} if the secret is not a
   *     JSON object or the field is itself an object or array. The message never holds the value
   */
  public String field(String name) {
    Optional<String> field = optionalField(name);
    if (field.isEmpty()) {
      throw missing(name, fields().keySet());
    }
    return field.get();
  }

  /**
   * Returns a top-level field of a JSON object, if it is there and not null.
   *
   * @param name the field's name; case counts
   * @return the field's text
   * @throws SecretException with {@link SecretException.Reason#MALFORMED} as {@link #field} does
   */
  public Optional<String> optionalField(String name) {
    Objects.requireNonNull(name, "name");
    if (isSealed()) {
      try (OpenSecret open = open()) {
        return open.optionalField(name).map(String::new);
      }
    }
    Object field = fields().get(name);
    if (field instanceof Iterable || field instanceof Map) {
      throw isComposite(name);
    }
    return Optional.ofNullable(field).map(Object::toString);
  }

  /**
   * Returns the whole JSON object as a record or another object of the caller's.
   *
   * <p>It is made at the first call for a version and a type, and the same instance is handed to
   * every later caller, also after refreshes, until the version changes. So it should be immutable:
   * a record, best without {@code char[]}. Reading it again costs a look into a map. Of a sealed
   * value it is made anew at each call, and not kept.
   *
   * <ul>
   *   <li>A record is made by its canonical constructor. Each component needs a field that is not
   *       null, unless it is an {@link Optional}.
   *   <li>Any other class needs a constructor without arguments. Its fields are set, whatever their
   *       visibility and those of superclasses too, but for static and transient ones; final ones
   *       are not supported. A field that is absent or null in the secret keeps its initial value.
   *   <li>In them may be: {@code String}, {@code char[]}, primitives and their wrappers, {@code
   *       BigDecimal}, {@code BigInteger}, enums by name, {@code Optional<T>}, {@code List<T>},
   *       {@code Set<T>}, {@code Map<String, T>}, records and classes again, and {@code Object} for
   *       anything (a map, list, string, boolean, {@code Long} if it is whole and fits, else {@code
   *       BigDecimal}). Collections cannot be modified.
   *   <li>Numbers and booleans are also read from text ({@code "5432"}), and text from them. A
   *       number that does not fit its type is an error; only {@code float} and {@code double}
   *       round.
   *   <li>A name is looked for exactly and, if there is none, ignoring case, '-' and '_': {@code
   *       dbUser} finds {@code db-user}. JSON fields that the type does not name are ignored.
   * </ul>
   *
   * <p>The type's constructors run in the calling thread, seldom in several at once; then all get
   * one of the results. What they throw is not passed on, since it could quote the secret: only its
   * type is named.
   *
   * @param type a record or class; also {@code Map} or {@code Object}, both for a map of all fields
   *     in which those that are null stay null
   * @param <T> that type
   * @return the instance that all readers share
   * @throws SecretException with {@link SecretException.Reason#MISSING_FIELD} if something needed
   *     is absent or null, with {@link SecretException.Reason#MALFORMED} if the secret is not a
   *     JSON object, a field is not of its type, two names are alike or a constructor throws. The
   *     message names the field and what is needed, never the value
   * @throws IllegalArgumentException if the type is not supported or not accessible, whatever the
   *     secret holds
   */
  public <T> T as(Class<T> type) {
    return type.cast(
        content.as(
            type,
            made -> {
              JsonMapping.requireSupported(made);
              return JsonMapping.read(
                  fields(), made, "Secret '%s' (version %s)".formatted(secretId, versionId));
            }));
  }

  private Map<String, Object> fields() {
    Map<String, Object> parsed = content.fields();
    if (parsed == null) {
      throw isBinary() ? isBytes() : isNoObject();
    }
    return parsed;
  }

  SecretException isBytes() {
    return malformed("holds bytes (SecretBinary), not text", "Read it with asBytes()");
  }

  SecretException isNoObject() {
    return malformed(
        "is not a JSON object", "Store it as {\"name\": \"value\"}, or read it with asString()");
  }

  SecretException isComposite(String name) {
    return malformed(
        "has an object or array in field '" + name + "' where a single value is needed",
        "Store it as text, a number or a boolean");
  }

  SecretException missing(String name, Collection<String> names) {
    return new SecretException(
        SecretException.Reason.MISSING_FIELD,
        "Secret '%s' (version %s) has no field '%s'. Its fields are %s; names are case-sensitive."
            .formatted(secretId, versionId, name, names.stream().sorted().toList()),
        null);
  }

  private SecretException malformed(String what, String nextStep) {
    return new SecretException(
        SecretException.Reason.MALFORMED,
        "Secret '%s' (version %s) %s. %s.".formatted(secretId, versionId, what, nextStep),
        null);
  }

  /** Names the secret, its version and labels; never the value. */
  @Override
  public String toString() {
    return "SecretValue[%s, version %s, labels %s, value hidden]"
        .formatted(secretId, versionId, labels);
  }

  /**
   * Collects what is known of a version, and ends with its value. Not thread-safe; no argument may
   * be null unless said so.
   */
  public static final class Builder {
    private final String secretId;
    private final String versionId;
    private @Nullable String arn;
    private Set<String> labels = Set.of();
    private @Nullable Instant createdAt;

    private Builder(String secretId, String versionId) {
      this.secretId = Objects.requireNonNull(secretId, "secretId");
      this.versionId = Objects.requireNonNull(versionId, "versionId");
    }

    /**
     * Sets the secret's ARN.
     *
     * @param arn the full ARN, or null if it is not known
     * @return this builder
     */
    public Builder arn(@Nullable String arn) {
      this.arn = arn;
      return this;
    }

    /**
     * Sets the staging labels that the version carries.
     *
     * @param labels the labels; copied
     * @return this builder
     */
    public Builder labels(Iterable<String> labels) {
      var copy = new java.util.LinkedHashSet<String>();
      labels.forEach(copy::add);
      this.labels = java.util.Collections.unmodifiableSet(copy);
      return this;
    }

    /**
     * Sets when the version was created. Without it {@link SecretCache#versions} does not notice if
     * two rotations end between two of its calls.
     *
     * @param createdAt the time, or null if it is not known
     * @return this builder
     */
    public Builder createdAt(@Nullable Instant createdAt) {
      this.createdAt = createdAt;
      return this;
    }

    /**
     * Ends with a text.
     *
     * @param value the secret
     * @return the value
     */
    public SecretValue text(String value) {
      return new SecretValue(this, Content.of(Objects.requireNonNull(value, "value"), null));
    }

    /**
     * Ends with bytes.
     *
     * @param value the secret; copied
     * @return the value
     */
    public SecretValue bytes(byte[] value) {
      return new SecretValue(this, Content.of(null, value.clone()));
    }
  }
}
