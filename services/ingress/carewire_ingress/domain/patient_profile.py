"""What a call may say about a patient who gets created: the profile of the reference, section 1.3."""

from enum import StrEnum


class ProfileField(StrEnum):
    """The fields that a webhook can map. Addresses are given part by part."""

    FIRST_NAME = "first_name"
    LAST_NAME = "last_name"
    BIRTH_DATE = "birth_date"
    SEX = "sex"
    EMAIL = "email"
    PHONE = "phone"
    MOBILE_PHONE = "mobile_phone"
    PREFERRED_LANGUAGE = "preferred_language"
    PATIENT_CODE = "patient_code"
    NATIONAL_REGISTRY_NUMBER = "national_registry_number"
    PATIENT_TIMEZONE = "patient_timezone"
    STREET = "address.street"
    CITY = "address.city"
    ZIP = "address.zip"
    STATE = "address.state"
    COUNTRY = "address.country"
